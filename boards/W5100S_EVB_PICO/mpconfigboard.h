#define MICROPY_HW_BOARD_NAME           "W5100S-EVB-Pico"
#include "../common/rp2.h"
