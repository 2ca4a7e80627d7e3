#define MICROPY_HW_BOARD_NAME           "Raspberry Pi Pico 2 with ENC28J60"
#include "../common/rp2.h"
