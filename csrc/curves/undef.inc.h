/* undef.inc.h - forgets the parameters of a curve, so that the next one can be included. */
#undef cv
#undef fe
#undef sc
#undef CV_A
#undef CV_BITS
#undef CV_P
#undef CV_N
#undef CV_B
#undef CV_GX
#undef CV_GY
#undef CV_GLV
#undef CV_BETA
#undef CV_Q_WINDOW
#undef CV_G_WINDOW
#undef CV_COMB_WINDOW
#undef CV_LADDER_BITS
#undef CV_V_PARTS
