#include "imago/train/report.h"
#include "imago/processors/image/decode.h"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/processors/image/decode.h"
#include "imago/train/early_stopping.h"
#include "imago/train/tensorboard_callback.h"

namespace imago {
namespace {

using testing::HasSubstr;

TEST(Report, DrawsEachValueWithItsEvaluation) {
  const std::string path = testing::TempDir() + "/log.jsonl";
  write_file_atomically(path, "{\"loss\": 2.5, \"step\": 1}\n{\"loss\": 1.5, \"eval_loss\": 1.75, \"step\": 2}\n");
  const std::string page = training_report("a <run>", read_log(path));
  EXPECT_THAT(page, HasSubstr("<h1>a &lt;run></h1>"));
  EXPECT_THAT(page, HasSubstr("<title>loss</title>"));
  EXPECT_THAT(page, HasSubstr("<title>eval_loss</title>"));
  EXPECT_THAT(page, HasSubstr("<td>loss</td><td>2</td><td>1.5</td><td>1.5</td><td>2.5</td>"));
  write_file_atomically(path, "{\"loss\": \"x\", \"step\": 1}\n");
  EXPECT_THROW(read_log(path), Error);
  write_file_atomically(path, "");
  EXPECT_THROW(read_log(path), Error);
}

// Decoded again: the size, and that each curve's color is there, inside its own axes.
TEST(Report, PaintsTheSameCurves) {
  const std::string png = training_report_png(
      {{{"loss", 2.5}, {"step", 1}}, {{"loss", 1.5}, {"eval_loss", 1.75}, {"step", 2}}, {{"loss", 1.2}, {"step", 3}}});
  const Image image = decode_image(std::as_bytes(std::span(png)));
  EXPECT_EQ(image.width, 560);
  EXPECT_EQ(image.height, 260);
  const auto is_blue = [&](size_t x, size_t y) {
    const uint8_t* p = &image.pixels[(y * 560 + x) * 3];
    return p[2] > p[0] + 60;
  };
  // The curve falls from the upper left corner of the axes to the lower right one.
  EXPECT_TRUE(is_blue(65, 26) || is_blue(65, 27) || is_blue(65, 28));
  EXPECT_TRUE(is_blue(544, 226) || is_blue(544, 227) || is_blue(544, 228));
  for (size_t y = 28; y < 220; ++y) EXPECT_FALSE(is_blue(500, y) && y < 100) << y;
}

TEST(TensorBoard, ChecksumsAreCastagnolis) {
  EXPECT_EQ(internal::crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(internal::event_record("abc").size(), 8 + 4 + 3 + 4U);
}

TEST(TensorBoard, WritesWhatIsLogged) {
  const std::string folder = testing::TempDir() + "/tensorboard";
  std::filesystem::remove_all(folder);
  TensorBoardCallback callback(folder);
  const TrainingArguments arguments;
  TrainerState state;
  TrainerControl control;
  callback.on_train_begin({arguments, state, control});
  state.global_step = 3;
  callback.on_log({arguments, state, control}, {{"eval_loss", 0.5}, {"loss", 2.0}, {"step", 3.0}});
  const auto entry = *std::filesystem::directory_iterator(folder);
  const std::string bytes = read_file(entry.path());
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t size = 0;
    std::memcpy(&size, bytes.data() + at, 8);
    const std::string record = bytes.substr(at + 12, size);
    EXPECT_EQ(bytes.substr(at, 16 + size), internal::event_record(record));
    records.push_back(record);
    at += 16 + size;
  }
  ASSERT_EQ(records.size(), 4U);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(records[2], HasSubstr("eval/loss"));
  EXPECT_THAT(records[3], HasSubstr("train/loss"));
}

TEST(EarlyStopping, EndsARunThatGetsNoBetter) {
  TrainingArguments arguments;
  arguments.metric_for_best_model = "loss";
  arguments.eval_strategy = "steps";
  TrainerState state;
  TrainerControl control;
  const TrainerCallback::Run run{arguments, state, control};
  EarlyStopping callback(2, 0.1);
  callback.on_train_begin(run);
  const auto see = [&](double loss) {
    callback.on_evaluate(run, {{"eval_loss", loss}});
    if (!state.best_metric || loss < *state.best_metric) state.best_metric = loss;
    return control.should_training_stop;
  };
  EXPECT_FALSE(see(2.0));
  EXPECT_FALSE(see(1.0));
  EXPECT_FALSE(see(0.95));  // better, but not by the threshold
  EarlyStopping resumed(2, 0.1);
  resumed.load_state(callback.saved_state());
  EXPECT_EQ(resumed.saved_state(), callback.saved_state());
  EXPECT_TRUE(see(1.2));
  arguments.metric_for_best_model.reset();
  EXPECT_THROW(callback.on_train_begin(run), Error);
}

}  // namespace
}  // namespace imago
