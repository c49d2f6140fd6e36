/* Where samples come from and results go: io_semihosting.c, io_uart.c or io_host.c. */
#ifndef IO_H
#define IO_H

void io_begin(void);
void io_read(void *to, unsigned bytes);
void io_write(const void *from, unsigned bytes);
void io_end(int failed);

#endif
