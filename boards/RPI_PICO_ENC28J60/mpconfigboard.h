// Raspberry Pi Pico with an ENC28J60. The pins are those of firmware/config.py.
#define MICROPY_HW_BOARD_NAME           "Raspberry Pi Pico with ENC28J60"
#define MICROPY_HW_FLASH_STORAGE_BYTES  (1408 * 1024)

#define MICROPY_HW_SPI0_SCK             (18)
#define MICROPY_HW_SPI0_MOSI            (19)
#define MICROPY_HW_SPI0_MISO            (16)
