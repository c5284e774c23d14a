#include <fmt/core.h>

#include "imago/base/file.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/train/report.h"

namespace imago {
namespace {

class TrainerReportCommand final : public cli::Command {
 public:
  std::string name() const override { return "trainer report"; }
  std::string description() const override {
    return "draw the curves of a training run on an HTML page, and as a picture";
  }
  std::string example() const override { return "imago trainer report build/trained-story"; }

  void add_options(cli::Options& options) override {
    options.option("folder", folder_, "the output_dir of a run, which has a log.jsonl").required();
    options.option("--out", out_,
                   "the page to write (default: report.html in the folder); the picture is called the same, with .png");
  }

  int run() override {
    const std::string out = out_.empty() ? folder_ + "/report.html" : out_;
    const std::vector<LogEntry> entries = read_log(folder_ + "/log.jsonl");
    const std::string picture = (out.ends_with(".html") ? out.substr(0, out.size() - 5) : out) + ".png";
    write_file_atomically(out, training_report(folder_, entries));
    write_file_atomically(picture, training_report_png(entries));
    fmt::print("{}\n{}\n", out, picture);
    return 0;
  }

 private:
  std::string folder_, out_;
};

}  // namespace

void register_trainer_report_command(CommandTable& table) { table.add(std::make_unique<TrainerReportCommand>()); }

}  // namespace imago
