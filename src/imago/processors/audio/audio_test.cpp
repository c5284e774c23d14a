// Against soundfile, soxr and the reference's feature extractors: testdata/ is written by
// tools/audio/write_testdata.py.
#include "imago/processors/audio/audio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/processors/audio/fourier.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kData = IMAGO_SOURCE_DIR "/src/imago/processors/audio/testdata/";

const SafetensorsFile& expected() {
  static const SafetensorsFile file = SafetensorsFile::open(kData + "expected.safetensors");
  return file;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

bool is_sound(const fs::path& path) { return path.extension() != ".json" && path.extension() != ".safetensors"; }

TEST(DecodeAudio, IsSoundfiles) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kData)) {
    if (!is_sound(entry.path())) continue;
    const std::string name = entry.path().filename().string();
    const Audio audio = load_audio(entry.path().string());
    const auto wanted = expected().tensor(name).to_vector<double>();
    const bool lossless = name.ends_with(".wav") || name.ends_with(".flac");
    EXPECT_LE(largest_difference({audio.samples.begin(), audio.samples.end()}, wanted), lossless ? 0 : 1e-6) << name;
    ++files;
  }
  EXPECT_EQ(files, 6);
}

TEST(Resample, IsSoxrs) {
  int files = 0;
  for (const std::string& name : expected().names()) {
    const size_t at = name.find('@');
    if (at == std::string::npos) continue;
    const Audio audio = load_audio(kData + name.substr(0, at), std::stoll(name.substr(at + 1)));
    const auto wanted = expected().tensor(name).to_vector<double>();
    EXPECT_LE(largest_difference({audio.samples.begin(), audio.samples.end()}, wanted), 1e-6) << name;
    ++files;
  }
  EXPECT_EQ(files, 6);
}

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::kInternal;
}

TEST(DecodeAudio, RefusesWhatIsNoSoundOrTooLarge) {
  const std::string text = "this is no sound at all, whatever its name says";
  EXPECT_EQ(kind_of([&] { decode_audio(std::as_bytes(std::span(text))); }), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of([&] { load_audio(kData + "missing.wav"); }), ErrorKind::kNotFound);
  const std::string wav = read_file(kData + "mono_16k.wav");
  EXPECT_EQ(kind_of([&] { decode_audio(std::as_bytes(std::span(wav)), {.samples = 100}); }), ErrorKind::kLimitExceeded);
  EXPECT_EQ(kind_of([&] { decode_audio(std::as_bytes(std::span(wav)), {.bytes = 100}); }), ErrorKind::kLimitExceeded);
  const std::string flac = read_file(kData + "stereo_44k.flac").substr(0, 3000);
  EXPECT_EQ(kind_of([&] { decode_audio(std::as_bytes(std::span(flac))); }), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_of([&] { resample({{0.5F}, 8000}, 0); }), ErrorKind::kInvalidArgument);
}

TEST(SaveWav, IsReadBackWithinHalfAStep) {
  const std::string path = testing::TempDir() + "/saved.wav";
  save_wav(path, {{0, 0.5F, -0.25F, 1, -1, 3}, 22050});
  const Audio read = load_audio(path);
  EXPECT_EQ(read.sampling_rate, 22050);
  EXPECT_LE(largest_difference({read.samples.begin(), read.samples.end()}, {0, 0.5, -0.25, 1, -1, 1}), 5e-5);
  EXPECT_EQ(kind_of([&] { save_wav(path, {{0.1F}, 0}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { save_wav(path, {{NAN}, 16000}); }), ErrorKind::kInvalidArgument);
}

// Integers are equal; floats are as close to the float64 values as the reference's, where those are known.
TEST(AudioFeatures, AreTheReferences) {
  const Json extractors = read_json(kData + "extractors.json");
  const Audio sound = load_audio(kData + "mono_16k.wav");
  const auto cut = [&](ptrdiff_t begin, ptrdiff_t end) {
    return Audio{{sound.samples.begin() + begin, sound.samples.begin() + end}, sound.sampling_rate};
  };
  size_t outputs = 0;
  for (const auto& [name, config] : extractors.items()) {
    const auto extractor = AudioFeatureExtractor::from_json(config);
    std::vector<Audio> sounds = {cut(480, std::ssize(sound.samples)), cut(480, 3000)};
    if (name.starts_with("whisper")) sounds = {sound};
    if (name.starts_with("wav2vec2")) sounds = {cut(0, 1200), cut(0, 700)};
    if (name == "speecht5") sounds = {cut(0, 300), cut(0, 200)};
    if (name == "speecht5_target") sounds = {sound, cut(0, 3000)};
    const TensorMap features = extractor->extract(sounds, {.target = name.ends_with("_target")});
    for (const auto& [key, tensor] : features) {
      const std::string full = name + "." + key;
      const Tensor wanted = expected().tensor(full);
      EXPECT_TRUE(tensor.shape() == wanted.shape()) << full << " " << tensor.describe() << " " << wanted.describe();
      const auto ours = tensor.to_vector<double>(), reference = wanted.to_vector<double>();
      double allowed = is_floating_point(tensor.dtype()) ? 1e-5 : 0;
      if (const auto& names = expected().names(); std::find(names.begin(), names.end(), "f64." + full) != names.end()) {
        const auto exact = expected().tensor("f64." + full).to_vector<double>();
        EXPECT_LE(largest_difference(ours, exact), 2 * largest_difference(reference, exact) + 1e-6) << full;
        allowed = 3 * largest_difference(reference, exact) + 1e-6;
      }
      EXPECT_LE(largest_difference(ours, reference), allowed) << full;
      ++outputs;
    }
  }
  EXPECT_GE(outputs, extractors.size());
}

// The first ten frames of each band, as other software made them; its authors' bound, but for all numbers.
TEST(AudioFeatures, OfRealSpeechAreWhispers) {
  const std::string folder = IMAGO_SOURCE_DIR "/../shared/data/audio/";
  const std::string csv = folder + "expected/whisper_logmel_1272-141231-0002.csv";
  if (!fs::exists(csv)) GTEST_SKIP() << "shared/data/audio is not there";
  const auto extractor = AudioFeatureExtractor::from_json(
      parse_json(R"({"feature_extractor_type": "WhisperFeatureExtractor"})", "preprocessor_config.json"));
  const TensorMap features = extractor->extract({load_audio(folder + "librispeech_1272-141231-0002.flac", 16000)});
  const auto ours = features.at("input_features").to_vector<double>();
  std::string text = read_file(csv);
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream numbers(text);
  size_t count = 0;
  for (double wanted = 0; numbers >> wanted; ++count) {
    const double value = ours.at(count / 10 * 3000 + count % 10);
    EXPECT_LE(std::abs(value - wanted), std::max(0.01, 0.001 * std::abs(wanted))) << count;
  }
  EXPECT_EQ(count, 800);
}

TEST(AudioFeatures, RefuseUnknownKindsKeysAndRates) {
  const auto make = [](const char* text) {
    return [text] { AudioFeatureExtractor::from_json(parse_json(text, "preprocessor_config.json")); };
  };
  EXPECT_EQ(kind_of(make(R"({"feature_extractor_type": "ClapFeatureExtractor"})")), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of(make(R"({"sampling_rate": 16000})")), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_of(make(R"({"feature_extractor_type": "WhisperFeatureExtractor", "mel_norm": "none"})")),
            ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of(make(R"({"feature_extractor_type": "WhisperFeatureExtractor", "dither": 0.1})")),
            ErrorKind::kUnsupported);
  const auto extractor = AudioFeatureExtractor::from_json(
      parse_json(R"({"feature_extractor_type": "Wav2Vec2FeatureExtractor"})", "preprocessor_config.json"));
  EXPECT_EQ(kind_of([&] { extractor->extract({Audio{{0.1F}, 8000}}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { extractor->extract({Audio{{}, 16000}}); }), ErrorKind::kInvalidArgument);
}

// Against the definition.
TEST(FourierTransform, OfSizesWithAndWithoutSmallFactors) {
  for (const int64_t size : {1, 2, 12, 25, 37, 63, 400, 512, 660}) {
    std::vector<std::complex<double>> x, out(static_cast<size_t>(size));
    for (int64_t n = 0; n < size; ++n)
      x.emplace_back(std::sin(static_cast<double>(n * n)), std::cos(3.0 * static_cast<double>(n)));
    FourierTransform{size}(x, out);
    for (int64_t k = 0; k < size; ++k) {
      std::complex<double> sum;
      for (int64_t n = 0; n < size; ++n)
        sum += x[static_cast<size_t>(n)] *
               std::polar(1.0, -2 * M_PI * static_cast<double>(k * n % size) / static_cast<double>(size));
      EXPECT_LT(std::abs(sum - out[static_cast<size_t>(k)]), 1e-11) << size << " " << k;
    }
  }
}

}  // namespace
}  // namespace imago
