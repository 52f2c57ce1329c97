/* tuning.c - the choices of tuning.def and of preferences.def as one list, to be read and set by name. */
#include "tuning.h"
#include "dispatch.h"

#include <string.h>

enum { CHOICE_STREAMS, CHOICES };
static const struct {
    const char *name;
    int64_t least, most;
} choices[CHOICES] = {{"streams", 1, 2}};

typedef struct tune_row {
    int choice, hash, cpu;
    int64_t value;
    const char *source;
} tune_row;
enum { PC_CPU_MODEL_ANY = -1 };
static const tune_row rows[] = {
#define PC_TUNE(choice, ID, cpu, value, source) {CHOICE_##choice, PC_HASH_##ID, PC_CPU_MODEL_##cpu, value, source},
#include "tuning.def"
#undef PC_TUNE
};
enum { ROWS = sizeof rows / sizeof rows[0] };

uint8_t pc_tuned_streams[PC_MAX_HASHES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static int row_here[ROWS], rows_here; /* the rows that apply, in order */
static int64_t set_here[ROWS];        /* what was set instead, or -1 */

static int64_t value_of(int i) { return set_here[i] >= 0 ? set_here[i] : rows[row_here[i]].value; }
static void apply(int i) { pc_tuned_streams[rows[row_here[i]].hash] = (uint8_t)value_of(i); }

void pc_tune_for(pc_cpu_model cpu) {
    rows_here = 0;
    for (int r = 0; r < ROWS; r++) {
        int taken = rows[r].cpu != PC_CPU_MODEL_ANY && rows[r].cpu != (int)cpu;
        for (int i = 0; i < rows_here; i++)
            taken |= rows[row_here[i]].choice == rows[r].choice && rows[row_here[i]].hash == rows[r].hash;
        if (taken) continue;
        row_here[rows_here] = r;
        set_here[rows_here] = -1;
        apply(rows_here++);
    }
}

int pc_choice_at(int position, pc_choice *choice) {
    const int result = pc_init();
    if (result != PC_OK) return result;
    if (position < 0 || !choice) return PC_ERR_ARGUMENT;
    if (position >= rows_here) return pc_preference_at(position - rows_here, choice);
    const tune_row *row = &rows[row_here[position]];
    *choice = (pc_choice){.name = choices[row->choice].name,
                          .algorithm = pc_hash_at(row->hash)->name,
                          .value = value_of(position),
                          .usual = row->value,
                          .least = choices[row->choice].least,
                          .most = choices[row->choice].most,
                          .source = row->source};
    return PC_OK;
}

int pc_choice_set(const char *name, const char *algorithm, int64_t value) {
    pc_choice choice;
    if (!name || !algorithm) return PC_ERR_ARGUMENT;
    for (int i = 0; pc_choice_at(i, &choice) == PC_OK; i++) {
        if (strcmp(choice.name, name) != 0 || strcmp(choice.algorithm, algorithm) != 0) continue;
        if (value < choice.least || value > choice.most) return PC_ERR_ARGUMENT;
        if (i >= rows_here) return pc_preference_set(i - rows_here, value);
        set_here[i] = value;
        apply(i);
        return PC_OK;
    }
    return PC_ERR_ARGUMENT;
}
