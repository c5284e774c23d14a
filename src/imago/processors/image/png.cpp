// PNG through libpng. An animation's default image counts.
#include <fmt/core.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "imago/base/error.h"
#include "imago/processors/image/codecs.h"

namespace imago::codec {
namespace {

constexpr const char* kWhere = "PNG";
constexpr png_alloc_size_t kMaxChunk = png_alloc_size_t{64} << 20;  // of text and profiles, unpacked

// libpng reports errors by a call that must not return; as in jpeg.cpp, all that lives meanwhile is a member.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::byte> bytes) : bytes_(bytes) {
    const auto fail = [](png_structp png, png_const_charp message) {
      auto& self = *static_cast<PngDecoder*>(png_get_error_ptr(png));
      std::snprintf(self.message_, sizeof(self.message_), "%s", message);
      std::longjmp(self.jump_, 1);
    };
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, [](png_structp, png_const_charp) {});
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  Decoded run(int64_t max_pixels) {
    if (info_ == nullptr) throw Error(ErrorKind::kInternal, kWhere, "libpng does not start");
    guarded([](PngDecoder& self) { self.read_header(); });
    Decoded decoded{
        blank_image(kWhere, png_get_image_height(png_, info_), png_get_image_width(png_, info_), max_pixels), {}};
    guarded([](PngDecoder& self) { self.choose_output(); });
    const size_t row_bytes = png_get_rowbytes(png_, info_);
    // Interlaced pictures come in passes over the whole.
    rows_.resize(row_bytes * static_cast<size_t>(passes_ > 1 ? decoded.image.height : 1));
    image_ = &decoded.image;
    guarded([](PngDecoder& self) { self.read_pixels(); });
    decoded.metadata = metadata();
    return decoded;
  }

 private:
  void guarded(void (*body)(PngDecoder&)) {
    if (setjmp(jump_) == 0) {
      body(*this);
      return;
    }
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("the file is damaged: {}", message_));
  }

  void read_header() {
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, size_t size) {
      auto& self = *static_cast<PngDecoder*>(png_get_io_ptr(png));
      if (size > self.bytes_.size() - self.position_) png_error(png, "it is truncated");
      std::memcpy(to, self.bytes_.data() + self.position_, size);
      self.position_ += size;
    });
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);  // ours are checked next
    png_set_chunk_malloc_max(png_, kMaxChunk);
    png_read_info(png_, info_);
  }

  void choose_output() {
    const int type = png_get_color_type(png_, info_), depth = png_get_bit_depth(png_, info_);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png_);
    wide_gray_ = type == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (depth == 16 && !wide_gray_) png_set_strip_16(png_);
    // Of a palette with transparent colours libpng makes four channels.
    if ((type & PNG_COLOR_MASK_ALPHA) != 0 || type == PNG_COLOR_TYPE_PALETTE) png_set_strip_alpha(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    channels_ = png_get_channels(png_, info_);
  }

  void read_pixels() {
    const int64_t height = image_->height;
    const size_t row_bytes = png_get_rowbytes(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (int64_t y = 0; y < height; ++y) {
        png_bytep row = rows_.data() + (passes_ > 1 ? static_cast<size_t>(y) * row_bytes : 0);
        png_read_row(png_, row, nullptr);
        if (pass == passes_ - 1) store(row, image_->pixels.data() + y * image_->width * Image::kChannels);
      }
    }
    png_read_end(png_, info_);
  }

  void store(const uint8_t* row, uint8_t* to) const {
    const int64_t width = image_->width;
    if (wide_gray_) {  // Pillow cuts such values off at 255
      for (int64_t x = 0; x < width; ++x, row += 2) to = std::fill_n(to, Image::kChannels, row[0] != 0 ? 255 : row[1]);
    } else if (channels_ == 1) {
      for (int64_t x = 0; x < width; ++x) to = std::fill_n(to, Image::kChannels, row[x]);
    } else {
      std::memcpy(to, row, static_cast<size_t>(width * Image::kChannels));
    }
  }

  Metadata metadata() const {
    Metadata found;
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &exif) != 0) found.exif.assign(reinterpret_cast<const char*>(exif), size);
    png_textp texts = nullptr;
    const int count = png_get_text(png_, info_, &texts, nullptr);
    for (int i = 0; i < count; ++i) {
      if (std::strcmp(texts[i].key, "XML:com.adobe.xmp") != 0) continue;
      found.xmp.assign(texts[i].text, std::max(texts[i].text_length, texts[i].itxt_length));
    }
    return found;
  }

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_{};
  char message_[256] = "";
  int passes_ = 1, channels_ = 0;
  bool wide_gray_ = false;
  std::vector<uint8_t> rows_;
  Image* image_ = nullptr;
};

}  // namespace

Decoded decode_png(std::span<const std::byte> bytes, int64_t max_pixels) { return PngDecoder(bytes).run(max_pixels); }

}  // namespace imago::codec
