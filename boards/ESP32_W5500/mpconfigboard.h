#define MICROPY_HW_BOARD_NAME           "ESP32 with W5500"
#include "../common/esp32.h"
