/* Where samples come from and results go: io_semihosting.c, io_uart.c or io_host.c; and what time it is. */
#ifndef IO_H
#define IO_H

#include <stdint.h>

void io_begin(void);
void io_read(void *to, unsigned bytes);
void io_write(const void *from, unsigned bytes);
void io_end(int failed);

/* Cycles of the processor since it started, modulo 2^32; always 0 on the host. */
uint32_t io_ticks(void);

#endif
