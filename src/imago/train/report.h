// A training run's log as a page of curves.
#pragma once

#include <string>
#include <vector>

#include "imago/train/trainer_callback.h"

namespace imago {

// The entries of a log.jsonl. Throws what reading and parsing throws, and Error kInvalidFile for a line that is no log.
std::vector<LogEntry> read_log(const std::string& path);

// An HTML page that needs nothing else: a curve of each value over the steps, drawn as SVG, evaluations beside their
// training values, and a table of last and best ones.
std::string training_report(const std::string& title, const std::vector<LogEntry>& entries);

// The curves alone, as a picture in PNG.
std::string training_report_png(const std::vector<LogEntry>& entries);

}  // namespace imago
