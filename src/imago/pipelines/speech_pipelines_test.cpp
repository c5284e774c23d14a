// Against the reference's pipelines: tests/golden/speech is written by tools/golden/speech_pipelines.py.
#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/pipeline.h"
#include "imago/processors/audio/audio.h"

namespace imago {
namespace {

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/speech/";
const std::string kSounds = IMAGO_SOURCE_DIR "/src/imago/processors/audio/testdata/";

// "mono.wav@3" is that sound three times, one behind the other.
PipelineInput sound_from(const std::string& name) {
  const size_t at = name.find('@');
  const Audio once = load_audio(kSounds + name.substr(0, at), 16000);
  Audio sound = once;
  for (int64_t times = at == std::string::npos ? 1 : std::stoll(name.substr(at + 1)); times > 1; --times)
    sound.samples.insert(sound.samples.end(), once.samples.begin(), once.samples.end());
  return PipelineInput::sound(std::move(sound));
}

OptionValue option_from(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_array()) return json.get<std::vector<double>>();
  return json.get<std::string>();
}

// Texts and times are equal, scores to 1e-5.
void expect_equal(const Json& actual, const Json& expected, const std::string& where) {
  if (expected.is_number_float()) {
    ASSERT_TRUE(actual.is_number()) << where;
    EXPECT_NEAR(actual.get<double>(), expected.get<double>(), 1e-5 * std::max(1.0, std::abs(expected.get<double>())))
        << where;
  } else if (expected.is_array()) {
    ASSERT_EQ(actual.size(), expected.size()) << where << dump_json(actual);
    for (size_t i = 0; i < expected.size(); ++i) expect_equal(actual[i], expected[i], where + "/" + std::to_string(i));
  } else if (expected.is_object()) {
    ASSERT_EQ(actual.size(), expected.size()) << where << dump_json(actual);
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(actual.contains(key)) << where << key;
      expect_equal(actual.at(key), value, where + "/" + key);
    }
  } else {
    EXPECT_EQ(dump_json(actual), dump_json(expected)) << where;
  }
}

class SpeechGolden : public testing::TestWithParam<const char*> {};

TEST_P(SpeechGolden, AnswersAsTheReference) {
  const std::string folder = kGoldens + GetParam();
  const Json golden = read_json(folder + "/pipeline.json");
  ASSERT_FALSE(golden.at("cases").empty());
  const Pipeline pipe = pipeline(golden.at("cases").at(0).at("task").get<std::string>(), folder);
  for (const Json& each : golden.at("cases")) {
    PipelineOptions options;
    for (const auto& [name, value] : each.at("options").items()) options.emplace(name, option_from(value));
    const auto name = each.at("inputs").get<std::string>();
    const bool reads = each.at("task").get<std::string>() == "text-to-audio";
    expect_equal(pipe(reads ? PipelineInput(name) : sound_from(name), options).value(), each.at("expected"),
                 name + " " + dump_json(each.at("options")));
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, SpeechGolden,
                         testing::Values("whisper", "whisper-words", "ctc", "ctc-spectra", "speecht5-asr",
                                         "text-to-audio", "audio-classification"));

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::kInternal;
}

TEST(SpeechRecognition, RefusesByName) {
  const Pipeline whisper = pipeline("automatic-speech-recognition", kGoldens + "whisper");
  const std::string file = kSounds + "mono_16k.wav";
  EXPECT_EQ(kind_of([&] { whisper(file, {{"language", "klingon"}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"max_new_tokens", 400}}); }), ErrorKind::kLimitExceeded);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"chunk_length_s", 5}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper(sound_from("mono_16k.wav@5")); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"return_timestamps", "char"}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"return_timestamps", "word"}}); }), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"no_speech_threshold", 0.5}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper(file, {{"temperature", -1}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { whisper("missing.wav"); }), ErrorKind::kNotFound);
  const Pipeline ctc = pipeline("automatic-speech-recognition", kGoldens + "ctc");
  EXPECT_EQ(kind_of([&] { ctc(file, {{"return_timestamps", "line"}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] {
              ctc(file, {{"chunk_length_s", 0.2}, {"stride_length_s", 0.1}});
            }),
            ErrorKind::kInvalidArgument);
}

TEST(SpeechRecognition, SoundsOfABatchAreHeardAsAlone) {
  const Pipeline pipe = pipeline("automatic-speech-recognition", kGoldens + "whisper-words");
  const std::vector<PipelineInput> sounds = {sound_from("mono_16k.wav"), sound_from("mono_16k.wav@9"),
                                             sound_from("stereo_44k.flac@3"), sound_from("mono_16k.wav@4")};
  for (const bool conditioned : {false, true}) {
    PipelineOptions options = {
        {"num_beams", 1}, {"return_timestamps", "word"}, {"condition_on_prev_tokens", conditioned}};
    std::vector<std::string> alone;
    for (const PipelineInput& sound : sounds) alone.push_back(pipe(sound, options).json());
    options.emplace("batch_size", 4);
    const PipelineOutput together = pipe(sounds, options);
    ASSERT_EQ(together.size(), sounds.size());
    for (size_t i = 0; i < sounds.size(); ++i) EXPECT_EQ(together[i].json(), alone[i]) << i << conditioned;
  }
}

TEST(TextToAudio, RefusesByNameAndWritesAFile) {
  const Pipeline pipe = pipeline("text-to-audio", kGoldens + "text-to-audio");
  const std::vector<double> voice = {0.5, -1, 0.25, 2, 0, 1};
  EXPECT_EQ(kind_of([&] { pipe("So"); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] {
              pipe("So", {{"speaker_embeddings", std::vector<double>{1, 2}}});
            }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] {
              pipe("So", {{"speaker_embeddings", voice}, {"maxlenratio", 0}});
            }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] {
              pipe("So", {{"speaker_embeddings", voice}, {"vocoder", kGoldens + "ctc"}});
            }),
            ErrorKind::kUnsupported);
  const std::string path = testing::TempDir() + "/spoken.wav";
  const PipelineOutput said = pipe("So", {{"speaker_embeddings", voice}, {"maxlenratio", 2}, {"output", path}});
  const Audio sound = load_audio(path);
  EXPECT_EQ(sound.sampling_rate, 16000);
  EXPECT_DOUBLE_EQ(said["seconds"].number(), static_cast<double>(sound.samples.size()) / 16000);
  EXPECT_FALSE(sound.samples.empty());
}

}  // namespace
}  // namespace imago
