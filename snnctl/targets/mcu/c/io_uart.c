/* Samples and results as raw bytes over the serial port, 8 data bits, no parity, SNN_BAUD.
   UART_PL011: Arm PrimeCell UART, as Texas Instruments' Stellaris parts have it. UART_CMSDK: the APB UART of Arm's
   Cortex-M System Design Kit. When all is done the board resets and waits for more.
   Clocks and pins of the port are left as reset left them, which is enough in QEMU; a board may need them set first. */
#include <stdint.h>

#include "io.h"

#define AT(offset) (*(volatile uint32_t *)(UART_AT + (offset)))
#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu) /* Armv7-M, application interrupt and reset control */

#if defined(UART_PL011)
#define DATA AT(0x00)
#define FULL (AT(0x18) & 0x20u)
#define EMPTY (AT(0x18) & 0x10u)
#define BUSY (AT(0x18) & 0x08u)

void io_begin(void)
{
    const uint32_t sixtyfourths = (uint32_t)(((uint64_t)UART_CLOCK * 4 + SNN_BAUD / 2) / SNN_BAUD);
    AT(0x30) = 0;
    AT(0x24) = sixtyfourths >> 6;
    AT(0x28) = sixtyfourths & 63;
    AT(0x2C) = 0x70; /* 8 bits, FIFOs */
    AT(0x30) = 0x301;
}
#elif defined(UART_CMSDK)
#define DATA AT(0x00)
#define FULL (AT(0x04) & 1u)
#define EMPTY (!(AT(0x04) & 2u))
#define BUSY FULL

void io_begin(void)
{
    AT(0x10) = UART_CLOCK / SNN_BAUD;
    AT(0x08) = 3;
}
#else
#error "define UART_PL011 or UART_CMSDK"
#endif

void io_read(void *to, unsigned bytes)
{
    uint8_t *p = to;
    for (unsigned i = 0; i < bytes; ++i) {
        while (EMPTY) {}
        p[i] = (uint8_t)DATA;
    }
}

void io_write(const void *from, unsigned bytes)
{
    const uint8_t *p = from;
    for (unsigned i = 0; i < bytes; ++i) {
        while (FULL) {}
        DATA = p[i];
    }
}

void io_end(int failed)
{
    while (BUSY) {}
    if (!failed) AIRCR = 0x05FA0004u;
    for (;;) {}
}
