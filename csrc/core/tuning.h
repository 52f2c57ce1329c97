/* tuning.h - choices that differ between CPUs and change nothing but speed: the rows of tuning.def for this one. */
#ifndef PC_TUNING_H
#define PC_TUNING_H
#include "../backend/backend.h"
#include "cpu.h"

/* Vectors side by side in the hashes with one chain of operations, 1 or 2, by PC_HASH_<ID>: hash/lanes_streams.h. */
extern uint8_t pc_tuned_streams[PC_MAX_HASHES];

/* Takes the rows for this CPU. Before the first kernel runs. */
void pc_tune_for(pc_cpu_model cpu);
#endif
