// How linear is cut into CUDA tiles; the compiler counts them with the same numbers.
#pragma once

namespace linear {

constexpr int kTileRows = 8;       // rows of x in one tile
constexpr int kTileChannels = 32;  // channels of the matrix in one tile: two blocks of the packed layout

}  // namespace linear
