// Letters as strokes of a pen.
#pragma once

#include <string_view>

namespace imago::drawing {

// The strokes of a character, "06 20 46|14 34": points (column, row) on a grid whose columns go from 0 to 4 and whose
// rows from 0 (the top of capitals) over 6 (the line they stand on) to 8. Those of a box for what is not drawn.
std::string_view strokes(char32_t character);

}  // namespace imago::drawing
