/* Samples on standard input, results on standard output: the same network on the machine that built it. */
#include <stdio.h>
#include <stdlib.h>

#include "io.h"

void io_begin(void) {}

void io_read(void *to, unsigned bytes)
{
    if (fread(to, 1, bytes, stdin) != bytes) exit(1);
}

void io_write(const void *from, unsigned bytes)
{
    if (fwrite(from, 1, bytes, stdout) != bytes) exit(1);
}

uint32_t io_ticks(void)
{
    return 0;
}

void io_end(int failed)
{
    exit(failed || fflush(stdout));
}
