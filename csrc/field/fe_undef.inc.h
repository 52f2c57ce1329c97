/* Forgets the parameters of a Montgomery field, for the next one. */
#undef FE_P
#undef FE_R
#undef FE_R2
#undef FE_N0
#undef FE_TOP
