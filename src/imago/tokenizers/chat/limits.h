// The bounds within which templates are parsed and rendered.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imago::chat {

inline constexpr size_t kMaxTemplateSource = size_t{1} << 20;
inline constexpr int kMaxTemplateNesting = 128;
// Nodes of a parsed template: a megabyte of "{{a}}" would take a hundred times its size otherwise.
inline constexpr int kMaxTemplateNodes = 100'000;

struct RenderLimits {
  int64_t max_steps = 2'000'000;
  size_t max_output = size_t{8} << 20;    // bytes
  size_t max_memory = size_t{16} << 20;   // bytes of values that the template makes, at any one time
  int64_t max_cpu_time_ns = 200'000'000;  // CPU time of the rendering thread
};

}  // namespace imago::chat
