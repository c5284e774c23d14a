// Equal to the reference's: processor_test.cpp.
#include "imago/processors/video/video_processor.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

Image plain(int64_t height, int64_t width, uint8_t value) {
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * Image::kChannels), value)};
}

Json small() {
  return {{"patch_size", 2}, {"merge_size", 1}, {"do_resize", false}, {"do_rescale", false}, {"do_normalize", false}};
}

TEST(VideoProcessor, TheLastPictureFillsUpTheLastMoment) {
  const VideoProcessor processor = VideoProcessor::from_json(small());
  const std::vector<Video> videos = {{plain(2, 2, 1), plain(2, 2, 2), plain(2, 2, 3)}};
  const VideoFeatures features = processor(videos);
  EXPECT_THAT(features.video_grid_thw.to_vector<int64_t>(), testing::ElementsAre(2, 1, 1));
  const std::vector<float> values = features.pixel_values_videos.to_vector<float>();
  ASSERT_EQ(values.size(), 2U * 3 * 2 * 4);
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[4], 2);   // the next picture of the same patch
  EXPECT_EQ(values[24], 3);  // the next moment
  EXPECT_EQ(values[28], 3);
}

TEST(VideoProcessor, TakesPicturesAtEqualDistances) {
  Json json = small();
  json["do_sample_frames"] = true;
  json["num_frames"] = 3;  // a whole number of moments: 4
  Video video;
  for (int i = 0; i < 10; ++i) video.push_back(plain(2, 2, static_cast<uint8_t>(i)));
  const std::vector<float> values = VideoProcessor::from_json(json)({{video}}).pixel_values_videos.to_vector<float>();
  EXPECT_THAT((std::vector<float>{values[0], values[4], values[24], values[28]}), testing::ElementsAre(0, 2, 5, 7));
}

ErrorKind kind_with(const char* key, const Json& value) {
  Json json = small();
  json[key] = value;
  try {
    const std::vector<Video> videos = {{plain(2, 2, 1)}};
    VideoProcessor::from_json(json)(videos);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::kInternal;
}

TEST(VideoProcessor, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(kind_with("video_processor_type", "LlavaOnevisionVideoProcessor"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_with("do_flip", true), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_with("size", {{"height", 4}}), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_with("patch_size", 0), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_with("patch_size", 3), ErrorKind::kInvalidArgument);       // no whole number of patches
  EXPECT_EQ(kind_with("do_sample_frames", true), ErrorKind::kUnsupported);  // by time
  const VideoProcessor processor = VideoProcessor::from_json(small());
  const std::vector<Video> none = {{}}, sizes = {{plain(2, 2, 1), plain(2, 4, 1)}};
  EXPECT_THROW(processor(none), Error);
  EXPECT_THROW(processor(sizes), Error);
}

}  // namespace
}  // namespace imago
