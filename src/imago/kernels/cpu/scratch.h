// Memory that a thread's kernels work in.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace imago::kernels {

// Grows to the largest size asked for and is kept, because asking the system for pages in every call costs more than a
// small kernel does. The contents do not survive a call of get.
class Scratch {
 public:
  template <class T>
  T* get(int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    if (bytes > capacity_) {
      memory_.reset();
      memory_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
      capacity_ = bytes;
    }
    return reinterpret_cast<T*>(memory_.get());
  }

 private:
  static constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }
  };

  std::unique_ptr<std::byte, Free> memory_;
  size_t capacity_ = 0;
};

}  // namespace imago::kernels
