#define MICROPY_HW_BOARD_NAME           "Raspberry Pi Pico with SLIP over USB"
#include "../common/rp2.h"
