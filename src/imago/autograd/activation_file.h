// Activations that wait for backward in a file instead of in memory ("activation offloading"): the file's pages are
// mapped, so that the kernel keeps them in memory while there is room and no longer.
#pragma once

#include <memory>
#include <string>

#include "imago/tensor/tensor.h"

namespace imago {

class ActivationFile {
 public:
  // A file without a name in the folder, which goes with the last tensor on it. Throws Error kIo.
  explicit ActivationFile(const std::string& folder);

  // The same values, read-only, in the file; their place is free again when the tensor is let go of. Its place on the
  // tape is not copied. Throws Error kIo where the device refuses them.
  Tensor store(const Tensor& tensor);

 private:
  class File;
  struct Region;
  std::shared_ptr<File> file_;
};

}  // namespace imago
