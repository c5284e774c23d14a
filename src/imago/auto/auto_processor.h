// Processors by name: the class is read from the checkpoint's files.
//
//   const auto processor = imago::AutoProcessor::from_pretrained("path-or-id");   // std::unique_ptr<Processor>
#pragma once

#include <memory>
#include <string>

#include "imago/processors/multimodal/processor.h"

namespace imago {

struct AutoProcessor {
  // Throws what resolve_checkpoint and Processor::from_folder throw.
  static std::unique_ptr<Processor> from_pretrained(const std::string& path_or_id,
                                                    const std::string& revision = "main");
};

}  // namespace imago
