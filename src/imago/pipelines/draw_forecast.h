// What time-series-forecasting answered, drawn: what was, what may come, and how sure that is.
#pragma once

#include "imago/base/json.h"
#include "imago/pipelines/series_table.h"
#include "imago/processors/image/image.h"

namespace imago {

// A chart for each series of the answer: the end of its column in the table, behind it the mean and the band between
// the lowest and the highest quantile, and what really came where rows were held out. Throws Error kUnsupported above
// 64 series, and kInvalidArgument for an answer to another table.
Image draw_forecast(const SeriesTable& table, const Json& answer);

}  // namespace imago
