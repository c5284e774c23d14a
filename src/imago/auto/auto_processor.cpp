#include "imago/auto/auto_processor.h"

#include "imago/auto/auto_model.h"

namespace imago {

std::unique_ptr<Processor> AutoProcessor::from_pretrained(const std::string& path_or_id, const std::string& revision) {
  return Processor::from_folder(resolve_checkpoint(path_or_id, revision));
}

}  // namespace imago
