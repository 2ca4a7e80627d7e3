#define MICROPY_HW_BOARD_NAME           "W5500-EVB-Pico2"
#include "../common/rp2.h"
