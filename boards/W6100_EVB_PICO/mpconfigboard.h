#define MICROPY_HW_BOARD_NAME           "W6100-EVB-Pico"
#include "../common/rp2.h"
