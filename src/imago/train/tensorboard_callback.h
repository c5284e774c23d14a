// The log of a training run as a TensorBoard event file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/train/trainer_callback.h"

namespace imago {

// Writes <folder>/events.out.tfevents.<time>.<host>.<process>.0. What is logged as "loss" is the scalar "train/loss",
// "eval_loss" is "eval/loss", as the reference names them. A run that is resumed has a file of its own, which tells
// TensorBoard to forget what the earlier one has from that step on.
class TensorBoardCallback final : public TrainerCallback {
 public:
  explicit TensorBoardCallback(std::string folder) : folder_(std::move(folder)) {}

  void on_train_begin(const Run& run) override;
  void on_log(const Run& run, const LogEntry& entry) override;

 private:
  void append(const std::string& event);

  std::string folder_, path_;
};

namespace internal {

// One record of a TFRecord file: its length, its bytes, and a checksum of each.
std::string event_record(std::string_view bytes);
// CRC-32C (Castagnoli).
uint32_t crc32c(std::string_view bytes);

}  // namespace internal
}  // namespace imago
