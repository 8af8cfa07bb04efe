/* A Vulkan driver for Chromium that is lavapipe and calls itself SwiftShader.

   Chromium takes no other driver in software. It loads this in the place of libvk_swiftshader.so; all calls go on to
   the system's Vulkan loader, with the driver whose description LAVAPIPE_SHIM_DRIVER names, but for the properties of
   devices: there the vendor, the device and the type become SwiftShader's. See lavapipe_chromium.py.
*/
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef void (*function)(void);
typedef function (*find_function)(void *instance, const char *name);

/* VkPhysicalDeviceProperties begins with: apiVersion, driverVersion, vendorID, deviceID, deviceType */
struct properties { uint32_t api, driver, vendor, device, type; };
/* VkPhysicalDeviceProperties2: sType, padding, pNext, properties */
struct properties2 { uint64_t type; void *next; struct properties properties; };

static find_function find_in_loader;
static void (*get_properties)(void *device, struct properties *found);
static void (*get_properties2)(void *device, struct properties2 *found);

static void disguise(struct properties *found) {
    found->vendor = 0x1AE0; /* Google */
    found->device = 0xC0DE; /* SwiftShader */
    found->type = 4;        /* a CPU */
}

static void disguised(void *device, struct properties *found) {
    get_properties(device, found);
    disguise(found);
}

static void disguised2(void *device, struct properties2 *found) {
    get_properties2(device, found);
    disguise(&found->properties);
}

static void open_loader(void) {
    const char *driver = getenv("LAVAPIPE_SHIM_DRIVER");
    void *loader;
    if (driver) {
        setenv("VK_DRIVER_FILES", driver, 1);
        setenv("VK_ICD_FILENAMES", driver, 1); /* its older name */
    }
    loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (loader) find_in_loader = (find_function)dlsym(loader, "vkGetInstanceProcAddr");
}

__attribute__((visibility("default"))) function vkGetInstanceProcAddr(void *instance, const char *name) {
    function found;
    if (!find_in_loader) open_loader();
    if (!find_in_loader) return NULL;
    if (!strcmp(name, "vkGetInstanceProcAddr")) return (function)vkGetInstanceProcAddr;
    found = find_in_loader(instance, name);
    if (!found) return NULL;
    if (!strcmp(name, "vkGetPhysicalDeviceProperties")) {
        get_properties = (void (*)(void *, struct properties *))found;
        return (function)disguised;
    }
    if (!strcmp(name, "vkGetPhysicalDeviceProperties2") || !strcmp(name, "vkGetPhysicalDeviceProperties2KHR")) {
        get_properties2 = (void (*)(void *, struct properties2 *))found;
        return (function)disguised2;
    }
    return found;
}

__attribute__((visibility("default"))) function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
    return vkGetInstanceProcAddr(instance, name);
}
