#include "imago/train/json_lines_callback.h"

#include <filesystem>
#include <fstream>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"

namespace imago {

void JsonLinesCallback::on_train_begin(const Run& run) {
  std::string lines;
  for (const LogEntry& entry : run.state.log_history) lines += dump_json(Json(entry)) + "\n";
  std::filesystem::create_directories(std::filesystem::absolute(path_).parent_path());
  write_file_atomically(path_, lines);
}

void JsonLinesCallback::on_log(const Run&, const LogEntry& entry) {
  std::ofstream file(path_, std::ios::app);
  file << dump_json(Json(entry)) << '\n' << std::flush;
  if (!file) throw Error(ErrorKind::kIo, path_, "the log cannot be written", "look at the space on the disk");
}

}  // namespace imago
