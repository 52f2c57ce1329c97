/* cometbft_record.h - a signed header of CometBFT as its software writes it: three slots, of which the second is absent. */
#ifndef COMETBFT_RECORD_H
#define COMETBFT_RECORD_H
#include <stdint.h>
#include <string.h>

enum { RECORD_ROOM = 1024 };

typedef struct writer {
    uint8_t bytes[RECORD_ROOM];
    size_t size;
} writer;

static void put_byte(writer *w, unsigned byte) { w->bytes[w->size++] = (uint8_t)byte; }

static void put_number(writer *w, unsigned field, uint64_t v) {
    if (field) put_byte(w, field << 3);
    for (; v >= 0x80; v >>= 7) put_byte(w, (unsigned)(v & 0x7f) | 0x80);
    put_byte(w, (unsigned)v);
}

static void put_field(writer *w, unsigned field, const void *bytes, size_t len) {
    put_byte(w, field << 3 | 2);
    put_number(w, 0, len);
    if (len) memcpy(w->bytes + w->size, bytes, len);
    w->size += len;
}

static void put_filled(writer *w, unsigned field, int byte, size_t len) {
    uint8_t bytes[64];
    memset(bytes, byte, sizeof bytes);
    put_field(w, field, bytes, len);
}

static void put_message(writer *w, unsigned field, const writer *inner) { put_field(w, field, inner->bytes, inner->size); }

static void put_time(writer *w, unsigned field, int64_t seconds, uint64_t nanos) {
    writer inner = {.size = 0};
    if (seconds) put_number(&inner, 1, (uint64_t)seconds);
    if (nanos) put_number(&inner, 2, nanos);
    put_message(w, field, &inner);
}

static void put_block_id(writer *w, unsigned field, int hash) {
    writer inner = {.size = 0}, parts = {.size = 0};
    put_filled(&inner, 1, hash, 32);
    put_number(&parts, 1, 1);
    put_filled(&parts, 2, hash + 1, 32);
    put_message(&inner, 2, &parts);
    put_message(w, field, &inner);
}

static void put_header(writer *w) {
    writer in = {.size = 0}, version = {.size = 0};
    put_number(&version, 1, 11);
    put_message(&in, 1, &version);
    put_field(&in, 2, "chain", 5);
    put_number(&in, 3, 300);
    put_time(&in, 4, 1700000000, 5);
    put_block_id(&in, 5, 0x50);
    for (unsigned field = 6; field <= 13; field++) put_filled(&in, field, (int)field, 32);
    put_filled(&in, 14, 0x14, 20);
    put_message(w, 1, &in);
}

static void put_slot(writer *w, unsigned flag, int byte) {
    writer in = {.size = 0};
    put_number(&in, 1, flag);
    if (flag != 1) put_filled(&in, 2, byte, 20);
    put_time(&in, 3, flag == 1 ? -62135596800 : 1700000001, flag == 1 ? 0 : (uint64_t)byte);
    if (flag != 1) put_filled(&in, 4, byte + 1, 64);
    put_message(w, 4, &in);
}

static void put_commit(writer *w) {
    writer in = {.size = 0};
    put_number(&in, 1, 300);
    put_number(&in, 2, 2);
    put_block_id(&in, 3, 0x60);
    put_slot(&in, 2, 0x70);
    put_slot(&in, 1, 0);
    put_slot(&in, 3, 0x72);
    put_message(w, 2, &in);
}

static void put_record(writer *w) {
    put_header(w);
    put_commit(w);
}
#endif
