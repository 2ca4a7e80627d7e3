// Raspberry Pi Pico with an ENC28J60. The pins are those of firmware/config.py.
#define MICROPY_HW_BOARD_NAME           "Raspberry Pi Pico with ENC28J60"
#define MICROPY_HW_FLASH_STORAGE_BYTES  (1024 * 1024)

#define MICROPY_HW_SPI0_SCK             (18)
#define MICROPY_HW_SPI0_MOSI            (19)
#define MICROPY_HW_SPI0_MISO            (16)

// What a port switches on with its own network stack, of which there is none here. TLS works on any
// object with a socket's methods, and takes its 25 kB a connection from the heap.
#define MICROPY_PY_SSL                  (1)
#define MICROPY_PY_WEBSOCKET            (1)
#define MICROPY_PY_WEBREPL              (1)
