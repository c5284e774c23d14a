// The standard headers that nearly every file includes, precompiled for the libraries (cmake/ImagoLayers.cmake).
// A small set: what is loaded for every file has to be cheaper than what most files would parse.
// Nobody includes this file, and every file still includes what it uses: it must compile without.
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
