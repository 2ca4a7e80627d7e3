#define MICROPY_HW_BOARD_NAME           "Raspberry Pi Pico with ENC28J60"
#include "../common/rp2.h"
