// The small model that comes with Imago.
#pragma once

#include <string>

namespace imago {

// Its folder: $IMAGO_ASSETS/story, else ../share/imago/story as seen from the program, else that of the source tree the
// program was built from. Throws Error kNotFound saying where it looked.
std::string story_model_folder();

}  // namespace imago
