#include "daemon/control/table.h"

#include <algorithm>
#include <stdexcept>

namespace starling::daemon {

void Table::add_row(std::vector<Cell> cells) {
  if (cells.size() != columns_.size()) throw std::invalid_argument("a table row needs one cell for each column");
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back({std::move(cells), {}});
}

void Table::add_note(std::string text, Style style) {
  if (rows_.empty()) throw std::invalid_argument("a note belongs to a row");
  rows_.back().notes.emplace_back(printable(text), style);
}

// Width 0 marks a column to leave out.
std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row.cells[i].text));
    }
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (widths[i] > 0 || rows_.empty()) widths[i] = std::max(widths[i], display_width(columns_[i].title));
  }
  return widths;
}

void Table::append_line(std::string& out, const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                        bool colour) const {
  std::string line;
  std::size_t trailing = 0;  // spaces at the end of `line`, to be cut at its end
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    if (!line.empty()) {
      line += "  ";
      trailing += 2;
    }
    const std::size_t fill = widths[i] - display_width(cells[i].text);
    if (columns_[i].align == Column::Align::right) line.append(fill, ' ');
    line += paint(cells[i].text, cells[i].style, colour);
    if (!cells[i].text.empty()) trailing = 0;
    if (columns_[i].align == Column::Align::left) {
      line.append(fill, ' ');
      trailing += fill;
    } else if (cells[i].text.empty()) {
      trailing += fill;
    }
  }
  line.resize(line.size() - trailing);
  out += line + '\n';
}

std::string Table::render(bool colour) const {
  const std::vector<std::size_t> column_widths = widths();
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.emplace_back(column.title, Style::bold);
  std::string out;
  append_line(out, titles, column_widths, colour);
  for (const Row& row : rows_) {
    append_line(out, row.cells, column_widths, colour);
    for (const Cell& note : row.notes) out += "    " + paint(note.text, note.style, colour) + '\n';
  }
  return out;
}

}  // namespace starling::daemon
