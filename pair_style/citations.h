/* What LAMMPS asks users to cite (its log.cite), by what a run uses. */
#ifndef FROZENTL_CITATIONS_H
#define FROZENTL_CITATIONS_H

inline constexpr char cite_mace[] =
    "pair_style frozentl, MACE: https://doi.org/10.48550/arXiv.2206.07697\n\n"
    "@inproceedings{Batatia2022,\n"
    " author = {Batatia, Ilyes and Kov{\\'a}cs, D{\\'a}vid P. and Simm, Gregor N. C. and Ortner, Christoph and\n"
    "   Cs{\\'a}nyi, G{\\'a}bor},\n"
    " title = {{MACE}: Higher Order Equivariant Message Passing Neural Networks for Fast and Accurate Force Fields},\n"
    " booktitle = {Advances in Neural Information Processing Systems},\n"
    " volume = {35},\n"
    " year = {2022},\n"
    " eprint = {2206.07697},\n"
    " archivePrefix = {arXiv}\n"
    "}\n\n";

inline constexpr char cite_frozen_transfer[] =
    "pair_style frozentl, frozen transfer learning: https://doi.org/10.48550/arXiv.2502.15582\n\n"
    "@article{Radova2025,\n"
    " author = {Radova, Mariia and Stark, Wojciech G. and Allen, Connor S. and Maurer, Reinhard J. and\n"
    "   Bart{\\'o}k, Albert P.},\n"
    " title = {Fine-tuning foundation models of materials interatomic potentials with frozen transfer learning},\n"
    " journal = {arXiv preprint},\n"
    " year = {2025},\n"
    " eprint = {2502.15582},\n"
    " archivePrefix = {arXiv}\n"
    "}\n\n";

inline constexpr char cite_pace[] =
    "pair_style frozentl, atomic cluster expansion (PACE): https://doi.org/10.1103/PhysRevB.99.014104 and "
    "https://doi.org/10.1038/s41524-021-00559-9\n\n"
    "@article{Drautz2019,\n"
    " author = {Drautz, Ralf},\n"
    " title = {Atomic cluster expansion for accurate and transferable interatomic potentials},\n"
    " journal = {Physical Review B},\n"
    " volume = {99},\n"
    " pages = {014104},\n"
    " year = {2019},\n"
    " doi = {10.1103/PhysRevB.99.014104}\n"
    "}\n\n"
    "@article{Lysogorskiy2021,\n"
    " author = {Lysogorskiy, Yury and van der Oord, Cas and Bochkarev, Anton and Menon, Sarath and Rinaldi, Matteo "
    "and\n"
    "   Hammerschmidt, Thomas and Mrovec, Matous and Thompson, Aidan and Cs{\\'a}nyi, G{\\'a}bor and Ortner, "
    "Christoph\n"
    "   and Drautz, Ralf},\n"
    " title = {Performant implementation of the atomic cluster expansion ({PACE}) and application to copper and\n"
    "   silicon},\n"
    " journal = {npj Computational Materials},\n"
    " volume = {7},\n"
    " pages = {97},\n"
    " year = {2021},\n"
    " doi = {10.1038/s41524-021-00559-9}\n"
    "}\n\n";

inline constexpr char cite_extrapolation[] =
    "pair_style frozentl, extrapolation grades: https://doi.org/10.1103/PhysRevMaterials.7.043801\n\n"
    "@article{Lysogorskiy2023,\n"
    " author = {Lysogorskiy, Yury and Bochkarev, Anton and Mrovec, Matous and Drautz, Ralf},\n"
    " title = {Active learning strategies for atomic cluster expansion models},\n"
    " journal = {Physical Review Materials},\n"
    " volume = {7},\n"
    " pages = {043801},\n"
    " year = {2023},\n"
    " doi = {10.1103/PhysRevMaterials.7.043801}\n"
    "}\n\n";

#endif
