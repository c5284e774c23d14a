#include "imago/pipelines/draw_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "imago/base/error.h"
#include "imago/pipelines/mask_json.h"
#include "imago/processors/drawing/canvas.h"

namespace imago {
namespace {

using drawing::Canvas;
using drawing::Color;
using drawing::Point;

constexpr int64_t kReadableSide = 480;  // pictures whose longer side is below half of it are enlarged

// Sizes that suit the picture.
struct Style {
  int64_t factor = 1;  // how many pixels a pixel becomes
  double line = 2, text = 12;

  explicit Style(const Image& image) {
    const int64_t longer = std::max(image.height, image.width);
    factor = std::clamp<int64_t>(kReadableSide / std::max<int64_t>(1, longer), 1, 32);
    const auto side = static_cast<double>(std::min(image.height, image.width) * factor);
    line = std::clamp(side / 200, 1.5, 8.0);
    text = std::clamp(side / 36, 9.0, 48.0);
  }
};

// Each pixel as a square of many.
Image enlarged(const Image& image, int64_t factor) {
  return resize(image, image.height * factor, image.width * factor, Resample::kNearest);
}

BinaryMask enlarged(const BinaryMask& mask, int64_t factor) {
  if (factor == 1) return mask;
  BinaryMask large{mask.height * factor, mask.width * factor, {}};
  for (int64_t y = 0; y < large.height; ++y) {
    for (int64_t x = 0; x < large.width; ++x) large.inside.push_back(mask.inside[y / factor * mask.width + x / factor]);
  }
  return large;
}

// Labels on plates of their colours, inside of the picture and clear of one another.
class Labels {
 public:
  Labels(Canvas& canvas, const Style& style) : canvas_(canvas), style_(style) {}

  // With its plate's left top corner at `at`, or below what stands there already.
  void draw(Point at, const std::string& text, Color color) {
    const double pad = style_.text * 0.5, width = std::ceil(drawing::text_width(text, style_.text) + 2 * pad);
    const double height = std::ceil(style_.text * 1.25 + 2 * pad);
    const auto kept = [](double start, double length, int64_t size) {
      return std::floor(std::max(0.0, std::min(start, static_cast<double>(size) - length)));
    };
    Plate plate{kept(at.x, width, canvas_.width()), kept(at.y, height, canvas_.height()), width, height};
    // From the top down, so that one pass finds the first free place.
    std::sort(plates_.begin(), plates_.end(), [](const Plate& a, const Plate& b) { return a.top < b.top; });
    for (const Plate& other : plates_) {
      if (plate.meets(other)) plate.top = other.top + other.height;
    }
    plate.top = kept(plate.top, height, canvas_.height());
    plates_.push_back(plate);
    canvas_.fill_rectangle({plate.left, plate.top}, {plate.left + width, plate.top + height}, color, 0.9);
    canvas_.text({plate.left + pad, plate.top + pad}, text, style_.text, drawing::readable_on(color));
  }

 private:
  struct Plate {
    double left, top, width, height;
    bool meets(const Plate& other) const {
      return left < other.left + other.width && other.left < left + width && top < other.top + other.height &&
             other.top < top + height;
    }
  };

  Canvas& canvas_;
  const Style& style_;
  std::vector<Plate> plates_;
};

// The same label has the same colour.
class LabelColors {
 public:
  Color of(const std::string& label) {
    return drawing::distinct_color(numbers_.try_emplace(label, numbers_.size()).first->second);
  }

 private:
  std::map<std::string, size_t> numbers_;
};

std::string caption(const Json& record) {
  const std::string label = record.at("label").get<std::string>();
  return record.at("score").is_null() ? label : fmt::format("{} {:.2f}", label, record.at("score").get<double>());
}

Image draw_boxes(const Image& image, const Json& answer) {
  const Style style(image);
  Canvas canvas(enlarged(image, style.factor));
  LabelColors colors;
  std::vector<const Json*> records;
  for (const Json& record : answer) records.push_back(&record);
  // The surest is drawn last.
  std::stable_sort(records.begin(), records.end(), [](const Json* a, const Json* b) {
    return a->at("score").get<double>() < b->at("score").get<double>();
  });
  Labels labels(canvas, style);
  for (const bool with_labels : {false, true}) {
    for (const Json* record : records) {
      const Json& box = record->at("box");
      const auto side = [&](const char* key) { return static_cast<double>(box.at(key).get<int64_t>() * style.factor); };
      const Color color = colors.of(record->at("label").get<std::string>());
      const Point from{side("xmin"), side("ymin")}, to{side("xmax"), side("ymax")};
      if (with_labels) {
        labels.draw({from.x - style.line / 2, from.y - style.text * 2.25}, caption(*record), color);
      } else {
        canvas.fill_rectangle(from, to, color, 0.08);
        canvas.rectangle(from, to, style.line, color);
      }
    }
  }
  return canvas.image();
}

// In the middle of the widest run of the mask near its middle row.
Point middle(const BinaryMask& mask) {
  const auto box = bounding_box(mask);
  Point best{static_cast<double>(box[0] + box[2]) / 2, static_cast<double>(box[1] + box[3]) / 2};
  double most = 0;
  for (int64_t y = box[1]; y <= box[3]; ++y) {
    const double height = static_cast<double>(box[3] - box[1]) + 1;
    const double off = std::abs(static_cast<double>(y) - static_cast<double>(box[1] + box[3]) / 2) / height;
    for (int64_t x = box[0], run = 0; x <= box[2] + 1; ++x) {
      const bool inside = x <= box[2] && mask.inside[y * mask.width + x] != 0;
      if (inside) {
        ++run;
      } else {
        const double merit = static_cast<double>(run) * (1 - off);
        if (merit > most) {
          most = merit;
          best = {static_cast<double>(x) - static_cast<double>(run) / 2, static_cast<double>(y) + 0.5};
        }
        run = 0;
      }
    }
  }
  return best;
}

Image draw_segments(const Image& image, const Json& answer) {
  const Style style(image);
  Canvas canvas(enlarged(image, style.factor));
  LabelColors colors;
  std::map<std::string, size_t> seen;
  std::vector<std::pair<BinaryMask, Color>> masks;
  for (const Json& record : answer) {
    // Several of one label are told apart.
    const std::string label = record.at("label").get<std::string>();
    const size_t again = seen[label]++;
    masks.emplace_back(enlarged(mask_of_json(record.at("mask")), style.factor),
                       colors.of(again == 0 ? label : fmt::format("{} {}", label, again)));
    canvas.mask(masks.back().first, style.line * 0.9, masks.back().second, 0.5);
  }
  Labels labels(canvas, style);
  for (size_t i = 0; i < masks.size(); ++i) {
    const auto& [mask, color] = masks[i];
    if (area(mask) == 0) continue;
    const std::string text = caption(answer[i]);
    const Point at = middle(mask);
    labels.draw({at.x - drawing::text_width(text, style.text) / 2 - style.text * 0.5, at.y - style.text * 1.1}, text,
                color);
  }
  return canvas.image();
}

// The largest first, so that parts lie on the whole.
Image draw_masks(const Image& image, const Json& answer) {
  const Style style(image);
  Canvas canvas(enlarged(image, style.factor));
  std::vector<BinaryMask> masks;
  for (const Json& mask : answer.at("masks")) masks.push_back(mask_of_json(mask));
  std::vector<size_t> order(masks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return area(masks[a]) > area(masks[b]); });
  for (size_t i = 0; i < order.size(); ++i)
    canvas.mask(enlarged(masks[order[i]], style.factor), style.line * 0.9, drawing::distinct_color(i), 0.45);
  return canvas.image();
}

Image draw_depth(const Image& image, const Json& answer) {
  const Style style(image);
  const Json& rows = answer.at("depth");
  Image both{image.height, image.width * 2, std::vector<uint8_t>(image.pixels.size() * 2)};
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = both.pixels.data() + y * both.width * Image::kChannels;
    std::copy_n(image.pixels.begin() + y * image.width * Image::kChannels, image.width * Image::kChannels, row);
    row += image.width * Image::kChannels;
    for (int64_t x = 0; x < image.width; ++x) {
      const Color color = drawing::heat(static_cast<double>(rows[y][x].get<int64_t>()) / 255);
      *row++ = color.red, *row++ = color.green, *row++ = color.blue;
    }
  }
  return enlarged(both, style.factor);
}

struct Drawing {
  std::string_view task;
  Image (*draw)(const Image&, const Json&);
};

constexpr Drawing kDrawings[] = {{"object-detection", draw_boxes},
                                 {"image-segmentation", draw_segments},
                                 {"mask-generation", draw_masks},
                                 {"depth-estimation", draw_depth}};

const Drawing* find_drawing(std::string_view task) {
  for (const Drawing& drawing : kDrawings) {
    if (drawing.task == task) return &drawing;
  }
  return nullptr;
}

}  // namespace

bool can_draw(std::string_view task) { return find_drawing(task) != nullptr; }

Image draw_answer(std::string_view task, const Image& image, const Json& answer) {
  const Drawing* drawing = find_drawing(task);
  if (drawing == nullptr) {
    throw Error(ErrorKind::kUnsupported, "draw", fmt::format("answers of {} are not drawn", task),
                "those of object-detection, image-segmentation, mask-generation and depth-estimation are");
  }
  return drawing->draw(image, answer);
}

}  // namespace imago
