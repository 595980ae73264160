/* Made by make_optimiser_cases.py with torch: do not edit. */
/* ReduceLROnPlateau: lr 0.01, factor 0.5, patience 2, min_lr 0.002 */
#define CASE_EPOCHS 20
static const double case_losses[CASE_EPOCHS] = {9.0, 8.0, 8.0, 7.9996, 7.9991, 8.5, 8.2, 8.1, 8.0, 7.0,
                                                7.0, 7.0, 7.0, NAN,    7.0,    7.0, 7.0, 7.0, 7.0, 7.0};
static const double case_plateau[CASE_EPOCHS] = {0.01,   0.01,  0.01,  0.01,  0.01,  0.01,   0.01,
                                                 0.005,  0.005, 0.005, 0.005, 0.005, 0.0025, 0.0025,
                                                 0.0025, 0.002, 0.002, 0.002, 0.002, 0.002};
