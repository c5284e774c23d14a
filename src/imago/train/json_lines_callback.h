// The log of a training run as a file of JSON lines.
#pragma once

#include <string>
#include <utility>

#include "imago/train/trainer_callback.h"

namespace imago {

// One object a line: what was logged, with its step and epoch. A run that is resumed keeps the lines up to where it
// goes on, and no others.
class JsonLinesCallback final : public TrainerCallback {
 public:
  explicit JsonLinesCallback(std::string path) : path_(std::move(path)) {}

  void on_train_begin(const Run& run) override;
  void on_log(const Run& run, const LogEntry& entry) override;

 private:
  std::string path_;
};

}  // namespace imago
