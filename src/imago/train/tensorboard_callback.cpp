#include "imago/train/tensorboard_callback.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "imago/base/error.h"

namespace imago {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, sizeof(Number)> bytes;
  std::memcpy(bytes.data(), &number, sizeof(Number));
  out.append(bytes.data(), bytes.size());
}

// The wire format of protocol buffers: a field's number and kind, and its value.
enum Kind : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, uint32_t field, Kind kind) { append_varint(out, field << 3 | kind); }

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

// tensorflow.Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
std::string event_at(int64_t step) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  std::string event;
  append_key(event, 1, kFixed64);
  append_number(event, now.count());
  append_key(event, 2, kVarint);
  append_varint(event, static_cast<uint64_t>(step));
  return event;
}

// tensorflow.Summary: value = 1, of which tag = 1 and simple_value = 2.
void append_scalar(std::string& event, const std::string& tag, double value) {
  std::string scalar, summary;
  append_bytes(scalar, 1, tag);
  append_key(scalar, 2, kFixed32);
  append_number(scalar, static_cast<float>(value));
  append_bytes(summary, 1, scalar);
  append_bytes(event, 5, summary);
}

std::string tag_of(const std::string& name) {
  constexpr std::string_view kEvaluation = "eval_";
  return name.starts_with(kEvaluation) ? "eval/" + name.substr(kEvaluation.size()) : "train/" + name;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

uint32_t masked(uint32_t checksum) { return ((checksum >> 15) | (checksum << 17)) + 0xa282ead8U; }

}  // namespace

uint32_t internal::crc32c(std::string_view bytes) {
  uint32_t sum = 0xffffffffU;
  for (const char byte : bytes) {
    sum ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78U : 0);
  }
  return ~sum;
}

std::string internal::event_record(std::string_view bytes) {
  std::string record;
  append_number(record, static_cast<uint64_t>(bytes.size()));
  append_number(record, masked(crc32c(record)));
  record += bytes;
  append_number(record, masked(crc32c(bytes)));
  return record;
}

void TensorBoardCallback::on_train_begin(const Run& run) {
  std::filesystem::create_directories(folder_);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  path_ = fmt::format("{}/events.out.tfevents.{}.{}.{}.0", folder_, seconds, host_name(), ::getpid());
  std::string version = event_at(0);
  append_bytes(version, 3, "brain.Event:2");
  append(version);
  std::string session;
  append_key(session, 1, kVarint);  // status = START
  append_varint(session, 1);
  std::string start = event_at(run.state.global_step);
  append_bytes(start, 7, session);
  append(start);
}

void TensorBoardCallback::on_log(const Run& run, const LogEntry& entry) {
  for (const auto& [name, value] : entry) {
    if (name == "step") continue;
    std::string event = event_at(run.state.global_step);
    append_scalar(event, tag_of(name), value);
    append(event);
  }
}

void TensorBoardCallback::append(const std::string& event) {
  const std::string record = internal::event_record(event);
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file.write(record.data(), static_cast<std::streamsize>(record.size()));
  file.flush();
  if (!file) throw Error(ErrorKind::kIo, path_, "the log cannot be written", "look at the space on the disk");
}

}  // namespace imago
