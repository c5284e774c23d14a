// Upper case.
#pragma once

#include <cstddef>

namespace imago {

// The uppercase mapping without context, special cases included (U+00DF gives two characters). Writes up to 3
// characters and returns how many.
size_t uppercase(char32_t code_point, char32_t* out);

}  // namespace imago
