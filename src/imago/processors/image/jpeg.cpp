// JPEG through libjpeg-turbo, with the settings that Pillow leaves it.
#include <fmt/core.h>
// jpeglib.h needs stdio.h in front of it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on
#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "imago/base/error.h"
#include "imago/processors/image/codecs.h"

namespace imago::codec {
namespace {

constexpr const char* kWhere = "JPEG";
constexpr int kMaxScans = 1000;  // a small file can ask for very many passes over a large picture
constexpr int kExifMarker = JPEG_APP0 + 1;

// libjpeg reports errors by a call that must not return. Nothing with a destructor may live in the frames that the jump
// leaves, so whatever the decoder needs is a member here.
class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const std::byte> bytes) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr info) {
      auto* errors = reinterpret_cast<Errors*>(info->err);
      errors->base.format_message(info, errors->message);
      std::longjmp(errors->jump, 1);
    };
    errors_.base.output_message = [](j_common_ptr) {};
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    source_.bytes_in_buffer = bytes.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };  // there is no more
    source_.skip_input_data = [](j_decompress_ptr info, long count) {
      const size_t skipped = std::min(info->src->bytes_in_buffer, static_cast<size_t>(std::max(0L, count)));
      info->src->next_input_byte += skipped;
      info->src->bytes_in_buffer -= skipped;
    };
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = [](j_decompress_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
      auto* errors = reinterpret_cast<Errors*>(info->err);
      std::snprintf(errors->message, sizeof(errors->message), "it has more than %d scans", kMaxScans);
      std::longjmp(errors->jump, 1);
    };
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  Decoded run(int64_t max_pixels) {
    guarded([](JpegDecoder& self) { self.read_header(); });
    Decoded decoded{blank_image(kWhere, info_.image_height, info_.image_width, max_pixels), metadata()};
    if (info_.num_components != 1 && info_.num_components != 3 && info_.num_components != 4) {
      throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} components", info_.num_components),
                  "use gray, colour or CMYK");
    }
    row_.resize(size_t{info_.image_width} * static_cast<size_t>(info_.num_components));
    image_ = &decoded.image;
    guarded([](JpegDecoder& self) { self.read_pixels(); });
    return decoded;
  }

 private:
  struct Errors {
    jpeg_error_mgr base;
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX] = "";
  };

  void guarded(void (*body)(JpegDecoder&)) {
    if (setjmp(errors_.jump) != 0)
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("the file is damaged: {}", errors_.message));
    body(*this);
    if (complete_ == FALSE) throw Error(ErrorKind::kInvalidFile, kWhere, "the file is truncated");
  }

  void read_header() {
    jpeg_create_decompress(&info_);
    info_.src = &source_;
    info_.progress = &progress_;
    info_.mem->max_memory_to_use = 0;
    jpeg_save_markers(&info_, kExifMarker, 0xFFFF);
    complete_ = jpeg_read_header(&info_, TRUE) == JPEG_HEADER_OK ? TRUE : FALSE;
  }

  void read_pixels() {
    info_.out_color_space = info_.num_components == 1 ? JCS_GRAYSCALE : info_.num_components == 3 ? JCS_RGB : JCS_CMYK;
    complete_ = jpeg_start_decompress(&info_);
    while (complete_ != FALSE && info_.output_scanline < info_.output_height) {
      JSAMPROW row = row_.data();
      const int64_t y = info_.output_scanline;
      if (jpeg_read_scanlines(&info_, &row, 1) != 1) {
        complete_ = FALSE;
      } else {
        store(image_->pixels.data() + y * image_->width * Image::kChannels);
      }
    }
  }

  void store(uint8_t* to) const {
    if (info_.num_components == 3) {
      std::memcpy(to, row_.data(), row_.size());
    } else if (info_.num_components == 1) {
      for (const uint8_t gray : row_) to = std::fill_n(to, Image::kChannels, gray);
    } else {
      for (size_t i = 0; i < row_.size(); i += 4, to += Image::kChannels) {
        // Adobe stores CMYK inverted: what is here is the light that each ink lets through.
        const int light = row_[i + 3];
        for (size_t c = 0; c < 3; ++c) {
          const int product = (255 - row_[i + c]) * light + 128;
          to[c] = static_cast<uint8_t>(std::max(0, light - ((product + (product >> 8)) >> 8)));
        }
      }
    }
  }

  Metadata metadata() const {
    constexpr std::string_view exif("Exif\0\0", 6), xmp("http://ns.adobe.com/xap/1.0/\0", 29);
    Metadata found;
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (data.starts_with(exif)) found.exif += found.exif.empty() ? data : data.substr(exif.size());
      if (data.starts_with(xmp)) found.xmp = data.substr(xmp.size());
    }
    return found;
  }

  jpeg_decompress_struct info_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  Errors errors_{};
  std::vector<uint8_t> row_;
  Image* image_ = nullptr;
  boolean complete_ = TRUE;
};

}  // namespace

Decoded decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels) { return JpegDecoder(bytes).run(max_pixels); }

}  // namespace imago::codec
