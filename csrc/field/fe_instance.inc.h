/* fe_instance.inc.h - one field: row FE_AT of fields.def, if there is one, from its template and from its body. Part of fields.inc.h. */
#if FE_AT < FE_ROWS
#    define FE_NAME        FE_COLUMN_OF(1)
#    define FE_PARAMETERS  FE_COLUMN_OF(2)
#    define FE_FILE(stem)  FE_FILE_(stem)
#    define FE_FILE_(stem) PC_STRING(stem.inc.h)
/* The numbers, each of which some templates want (params.h). */
#    define FE_P     PC_CAT(FE_PARAMETERS, _P)
#    define FE_K     PC_CAT(FE_PARAMETERS, _K)
#    define FE_SUB_P PC_CAT(FE_PARAMETERS, _SUB_P)
#    define FE_R     PC_CAT(FE_PARAMETERS, _R)
#    define FE_R2    PC_CAT(FE_PARAMETERS, _R2)
#    define FE_N0    PC_CAT(FE_PARAMETERS, _N0)
#    define FE_TOP   PC_CAT(FE_PARAMETERS, _TOP)
#    define FE_CHAIN PC_CAT(FE_PARAMETERS, _CHAIN)

#    define FE PC_CAT(ref_, FE_NAME)
#    include FE_FILE(FE_COLUMN_OF(3))
#    define FE FE_NAME
#    include FE_FILE(FE_COLUMN_OF(FE_BODY_COLUMN))

#    undef FE_NAME
#    undef FE_PARAMETERS
#    undef FE_FILE
#    undef FE_FILE_
#    undef FE_P
#    undef FE_K
#    undef FE_SUB_P
#    undef FE_R
#    undef FE_R2
#    undef FE_N0
#    undef FE_TOP
#    undef FE_CHAIN
#endif
#undef FE_AT
