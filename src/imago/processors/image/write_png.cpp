#include "imago/processors/image/write_png.h"

#include <png.h>

#include <csetjmp>

#include "imago/base/error.h"
#include "imago/base/file.h"

namespace imago {
namespace {

// As in png.cpp, all that lives while libpng may jump is a member.
class PngEncoder {
 public:
  explicit PngEncoder(const Image& image) : image_(image) {
    const auto fail = [](png_structp png, png_const_charp) {
      std::longjmp(static_cast<PngEncoder*>(png_get_error_ptr(png))->jump_, 1);
    };
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, fail, [](png_structp, png_const_charp) {});
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
  }
  ~PngEncoder() { png_destroy_write_struct(&png_, &info_); }
  PngEncoder(const PngEncoder&) = delete;
  PngEncoder& operator=(const PngEncoder&) = delete;

  std::string run() {
    if (info_ == nullptr || setjmp(jump_) != 0)
      throw Error(ErrorKind::kInternal, "PNG", "libpng does not encode the picture");
    write();
    return std::move(bytes_);
  }

 private:
  void write() {
    png_set_write_fn(
        png_, this,
        [](png_structp png, png_bytep from, size_t size) {
          static_cast<PngEncoder*>(png_get_io_ptr(png))->bytes_.append(reinterpret_cast<const char*>(from), size);
        },
        [](png_structp) {});
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image_.width), static_cast<png_uint_32>(image_.height), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int64_t y = 0; y < image_.height; ++y)
      png_write_row(png_, image_.pixels.data() + y * image_.width * Image::kChannels);
    png_write_end(png_, info_);
  }

  const Image& image_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string bytes_;
  std::jmp_buf jump_;
};

}  // namespace

std::string encode_png(const Image& image) {
  check_image_size("PNG", image.height, image.width);
  return PngEncoder(image).run();
}

void write_png(const std::string& path, const Image& image) { write_file_atomically(path, encode_png(image)); }

}  // namespace imago
