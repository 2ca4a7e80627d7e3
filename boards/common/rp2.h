// What every board of ours with an RP2040 or an RP2350 has in common.

// The first megabyte of the flash is for the image, the rest for files. Where the parts are not frozen but run from
// a partition of their own (rp2.cmake), that is the end of the first megabyte.
#define MICROPY_HW_FLASH_STORAGE_BYTES  (PICO_FLASH_SIZE_BYTES - 1024 * 1024)
#if UIPY_ROMFS
#define MICROPY_HW_ROMFS_BYTES          (384 * 1024)
#endif

// What a port switches on with its own network stack, of which there is none here. TLS works on any
// object with a socket's methods, and takes its 25 kB a connection from the heap.
#define MICROPY_PY_SSL                  (1)
#define MICROPY_PY_WEBSOCKET            (1)
#define MICROPY_PY_WEBREPL              (1)
