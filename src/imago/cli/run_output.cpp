#include "imago/cli/run_output.h"
#include "imago/base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace imago {
namespace {

int64_t pixels_inside(const Json& mask) {  // of its runs every second one is inside
  int64_t inside = 0, index = 0;
  for (const Json& run : mask.at("counts")) inside += index++ % 2 == 1 ? run.get<int64_t>() : 0;
  return inside;
}

std::string describe_record(const Json& record) {
  for (const char* key : {"generated_text", "summary_text", "translation_text"}) {
    if (record.contains(key))
      return record[key].is_string() ? record[key].get<std::string>() : record[key].back().value("content", "");
  }
  if (record.contains("answer") && !record.contains("score")) return record.at("answer").get<std::string>();
  std::string line =
      record.at("score").is_null() ? std::string() : fmt::format("{:.4f}", record.at("score").get<double>());
  for (const char* key : {"label", "entity", "entity_group", "answer", "token_str", "sequence", "word"}) {
    if (record.contains(key)) line += "  " + record[key].get<std::string>();
  }
  if (record.contains("start") && record["start"].is_number())
    line += fmt::format("  [{}, {})", record["start"].get<int64_t>(), record["end"].get<int64_t>());
  if (record.contains("box")) {
    const Json& box = record.at("box");
    line += fmt::format("  ({}, {}) to ({}, {})", box.at("xmin").get<int64_t>(), box.at("ymin").get<int64_t>(),
                        box.at("xmax").get<int64_t>(), box.at("ymax").get<int64_t>());
  }
  if (record.contains("mask")) line += fmt::format("  {} pixels", pixels_inside(record.at("mask")));
  return line;
}

bool is_record(const Json& value) {
  return value.is_object() &&
         (value.contains("score") || value.contains("answer") || value.contains("generated_text") ||
          value.contains("summary_text") || value.contains("translation_text"));
}

std::string describe_time(const Json& time) { return time.is_null() ? "" : fmt::format("{:.2f}", time.get<double>()); }

std::string describe_masks(const Json& answer) {
  std::string text = fmt::format("{} masks", answer.at("masks").size());
  for (size_t i = 0; i < answer.at("masks").size(); ++i)
    text += fmt::format("\n{:.4f}  {} pixels", answer.at("scores").at(i).get<double>(),
                        pixels_inside(answer.at("masks").at(i)));
  return text;
}

// Of the numbers only how many there are and between which they lie.
std::string describe_depth(const Json& answer) {
  const Json& rows = answer.at("predicted_depth");
  double least = rows.at(0).at(0).get<double>(), most = least;
  for (const Json& row : rows) {
    for (const Json& value : row) {
      least = std::min(least, value.get<double>());
      most = std::max(most, value.get<double>());
    }
  }
  return fmt::format("{} x {} pixels, from {:.4g} to {:.4g}", rows.at(0).size(), rows.size(), least, most);
}

// What was said, chunk by chunk where there are any with their times.
std::string describe_speech(const Json& answer) {
  if (!answer.contains("chunks")) return answer.at("text").get<std::string>();
  std::string text;
  for (const Json& chunk : answer.at("chunks")) {
    text += text.empty() ? "" : "\n";
    if (chunk.contains("language") && !chunk.at("language").is_null())
      text += chunk.at("language").get<std::string>() + "  ";
    if (chunk.contains("timestamp")) {
      const Json& times = chunk.at("timestamp");
      text += fmt::format("[{} - {}]  ", describe_time(times.at(0)), describe_time(times.at(1)));
    }
    text += chunk.at("text").get<std::string>();
  }
  return text;
}

// The labels of a text, the best first.
std::string describe_labels(const Json& answer) {
  std::string text;
  for (size_t i = 0; i < answer.at("labels").size(); ++i) {
    text += fmt::format("{}{:.4f}  {}", i == 0 ? "" : "\n", answer.at("scores").at(i).get<double>(),
                        answer.at("labels").at(i).get<std::string>());
  }
  return text;
}

}  // namespace

std::string describe_answer(const Json& answer) {
  if (is_record(answer)) return describe_record(answer);
  if (answer.is_object() && answer.contains("text")) return describe_speech(answer);
  if (answer.is_object() && answer.contains("labels") && answer.contains("scores")) return describe_labels(answer);
  if (answer.is_object() && answer.contains("masks") && answer.contains("scores")) return describe_masks(answer);
  if (answer.is_object() && answer.contains("predicted_depth")) return describe_depth(answer);
  const bool lists_records =
      answer.is_array() && !answer.empty() &&
      (is_record(answer[0]) || (answer[0].is_array() && !answer[0].empty() && is_record(answer[0][0])));
  if (!lists_records) return dump_json(answer);
  std::string text;
  for (const Json& item : answer) text += (text.empty() ? "" : "\n") + describe_answer(item);
  return text;
}

}  // namespace imago
