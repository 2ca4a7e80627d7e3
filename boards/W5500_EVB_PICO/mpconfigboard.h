#define MICROPY_HW_BOARD_NAME           "W5500-EVB-Pico"
#include "../common/rp2.h"
