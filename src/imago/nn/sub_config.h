// Configurations inside configurations.
#pragma once

#include "imago/nn/config.h"

namespace imago::nn {

// Reads the object that config.json has under `key`; what is absent keeps its defaults. Throws as read_config does.
void read_sub_config(const JsonText& text, std::string_view key, Config& config);

}  // namespace imago::nn
