/* Samples from the file in.bin of the machine that debugs or emulates the board, results to its out.bin.
   Operations: Arm, "Semihosting for AArch32 and AArch64", 2.0. */
#include <stdint.h>

#include "io.h"

enum { OPEN = 0x01, CLOSE = 0x02, WRITE = 0x05, READ = 0x06, EXIT = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5, APPLICATION_EXIT = 0x20026 };

static uint32_t in_file, out_file;

static uint32_t call(uint32_t operation, const uint32_t *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const uint32_t *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t opened(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t arguments[] = {(uint32_t)name, mode, length};
    const uint32_t file = call(OPEN, arguments);
    if (file == UINT32_MAX) io_end(1);
    return file;
}

void io_begin(void)
{
    in_file = opened("in.bin", 6, READ_BINARY);
    out_file = opened("out.bin", 7, WRITE_BINARY);
}

void io_read(void *to, unsigned bytes)
{
    const uint32_t arguments[] = {in_file, (uint32_t)to, bytes};
    if (call(READ, arguments)) io_end(1); /* bytes that were not read */
}

void io_write(const void *from, unsigned bytes)
{
    const uint32_t arguments[] = {out_file, (uint32_t)from, bytes};
    if (call(WRITE, arguments)) io_end(1);
}

void io_end(int failed)
{
    const uint32_t file[] = {out_file};
    const uint32_t arguments[] = {APPLICATION_EXIT, failed != 0};
    call(CLOSE, file);
    call(EXIT, arguments);
    for (;;) {}
}
