/* The table. Addresses of MACE models: mace/calculators/foundations_models.py of mace-torch 0.3.16; licences: README of
   ACEsuit/mace-foundations and mace-off. Neither sizes nor digests are published there. */
#include "files/foundations.h"

#include <string.h>

#define SEVENN      "sevenn==0.13.0"
#define POTENTIALS  "sevenn/pretrained_potentials/"
#define GITHUB      "https://github.com/ACEsuit/"
#define MP          GITHUB "mace-mp/releases/download/"
#define FOUNDATIONS GITHUB "mace-foundations/releases/download/"
#define OFF         "https://raw.githubusercontent.com/ACEsuit/mace-off/main/mace_off23/"

#define CITE_SEVENNET    "Park et al., J. Chem. Theory Comput. 2024, doi:10.1021/acs.jctc.4c00190"
#define CITE_SEVENNET_MF "Kim et al., J. Am. Chem. Soc. 2024, doi:10.1021/jacs.4c14455"
#define CITE_MP          "Batatia et al., arXiv:2401.00096"
#define CITE_OFF         "Kovacs et al., arXiv:2312.15211"
#define ASL              "ASL (academic, not commercial: github.com/gabor1/ASL)"

#define SEVENNET(name_, path, bytes_, sha256_, citation_, about_)                                                      \
  {                                                                                                                    \
    .name = name_, .file = name_ ".pth", .package = SEVENN, .source = POTENTIALS path, .bytes = bytes_,                \
    .sha256 = sha256_, .licence = "MIT", .citation = citation_, .about = about_                                        \
  }
#define MACE(name_, address, licence_, citation_, about_)                                                              \
  {                                                                                                                    \
    .name = name_, .file = name_ ".model", .source = address, .licence = licence_, .citation = citation_,              \
    .about = about_                                                                                                    \
  }

const ftl_foundation ftl_foundations[] = {
    SEVENNET("sevennet-0", "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth", 10268648,
             "7052cb42b7b3be42b40b97fa0d21077a48c54b5548948fc4dcf346629f813c36", CITE_SEVENNET,
             "SevenNet-0 of 11 July 2024: MPtrj, PBE(+U), 89 elements"),
    SEVENNET("sevennet-0-22may2024", "SevenNet_0__22May2024/checkpoint_sevennet_0.pth", 10268712,
             "5d389fafd512e6ae2830d74d0b66ffc49a55d3832653ff8e7bf7f1343013c1d1", CITE_SEVENNET,
             "SevenNet-0 of 22 May 2024: MPtrj, PBE(+U), 89 elements"),
    SEVENNET("sevennet-mf-0", "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth", 10322158,
             "81791329b37d445f46b531578c182c41792d98c7814222c9e5dde276402225fd", CITE_SEVENNET_MF,
             "SevenNet-MF-0: MPtrj (PBE(+U)) and r2SCAN, heads PBE and R2SCAN, 89 elements"),
    SEVENNET("sevennet-l3i5", "SevenNet_l3i5/checkpoint_l3i5.pth", 14345754,
             "a7ff190d41efe5b8317a03d20a468e4036a1a3e64e0b14fdbab64ac3f4bfc09d", CITE_SEVENNET,
             "SevenNet-l3i5: l up to 3, MPtrj, PBE(+U), 89 elements"),
    MACE("mace-mp-0-small", MP "mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model", "MIT", CITE_MP,
         "MACE-MP-0a: MPtrj, PBE(+U), 89 elements"),
    MACE("mace-mp-0-medium", MP "mace_mp_0/2023-12-03-mace-128-L1_epoch-199.model", "MIT", CITE_MP,
         "MACE-MP-0a: MPtrj, PBE(+U), 89 elements"),
    MACE("mace-mp-0-large", MP "mace_mp_0/MACE_MPtrj_2022.9.model", "MIT", CITE_MP,
         "MACE-MP-0a: MPtrj, PBE(+U), 89 elements"),
    MACE("mace-mp-0b-small", MP "mace_mp_0b/mace_agnesi_small.model", "MIT", CITE_MP,
         "MACE-MP-0b: pair repulsion, isolated atoms"),
    MACE("mace-mp-0b-medium", MP "mace_mp_0b/mace_agnesi_medium.model", "MIT", CITE_MP,
         "MACE-MP-0b: pair repulsion, isolated atoms"),
    MACE("mace-mp-0b2-small", MP "mace_mp_0b2/mace-small-density-agnesi-stress.model", "MIT", CITE_MP,
         "MACE-MP-0b2: stable under pressure"),
    MACE("mace-mp-0b2-medium", MP "mace_mp_0b2/mace-medium-density-agnesi-stress.model", "MIT", CITE_MP,
         "MACE-MP-0b2: stable under pressure"),
    MACE("mace-mp-0b2-large", MP "mace_mp_0b2/mace-large-density-agnesi-stress.model", "MIT", CITE_MP,
         "MACE-MP-0b2: stable under pressure"),
    MACE("mace-mp-0b3-medium", MP "mace_mp_0b3/mace-mp-0b3-medium.model", "MIT", CITE_MP,
         "MACE-MP-0b3: better phonons than 0b2"),
    MACE("mace-mpa-0-medium", MP "mace_mpa_0/mace-mpa-0-medium.model", "MIT", CITE_MP,
         "MACE-MPA-0: MPtrj and sAlex, PBE(+U), 89 elements"),
    MACE("mace-omat-0-small", MP "mace_omat_0/mace-omat-0-small.model", ASL, CITE_MP,
         "MACE-OMAT-0: OMat24, PBE(+U), 89 elements"),
    MACE("mace-omat-0-medium", MP "mace_omat_0/mace-omat-0-medium.model", ASL, CITE_MP,
         "MACE-OMAT-0: OMat24, PBE(+U), 89 elements"),
    MACE("mace-matpes-pbe-0", FOUNDATIONS "mace_matpes_0/MACE-matpes-pbe-omat-ft.model", ASL, CITE_MP,
         "MACE-MATPES-PBE-0: MatPES, PBE without +U, 89 elements"),
    MACE("mace-matpes-r2scan-0", FOUNDATIONS "mace_matpes_0/MACE-matpes-r2scan-omat-ft.model", ASL, CITE_MP,
         "MACE-MATPES-r2SCAN-0: MatPES, r2SCAN, 89 elements"),
    MACE("mace-mh-0", FOUNDATIONS "mace_mh_1/mace-mh-0.model", ASL, CITE_MP,
         "MACE-MH-0: crystals, surfaces and molecules, several heads, 89 elements"),
    MACE("mace-mh-1", FOUNDATIONS "mace_mh_1/mace-mh-1.model", ASL, CITE_MP,
         "MACE-MH-1: crystals, surfaces and molecules, several heads, 89 elements"),
    MACE("mace-off23-small", OFF "MACE-OFF23_small.model", ASL, CITE_OFF, "MACE-OFF23: organic molecules"),
    MACE("mace-off23-medium", OFF "MACE-OFF23_medium.model", ASL, CITE_OFF, "MACE-OFF23: organic molecules"),
    MACE("mace-off23-large", OFF "MACE-OFF23_large.model", ASL, CITE_OFF, "MACE-OFF23: organic molecules"),
};
const int ftl_n_foundations = sizeof ftl_foundations / sizeof *ftl_foundations;

const ftl_foundation *ftl_foundation_find(const char *name) {
  for (int k = 0; k < ftl_n_foundations; k++)
    if (!strcmp(ftl_foundations[k].name, name)) return &ftl_foundations[k];
  return NULL;
}

const ftl_foundation *ftl_foundation_of_file(const char *file) {
  for (int k = 0; k < ftl_n_foundations; k++)
    if (!strcmp(ftl_foundations[k].file, file)) return &ftl_foundations[k];
  return NULL;
}
